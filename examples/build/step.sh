# One step of the build. usage: step.sh STEP FOLDER [SOURCE]
set -eu
step=$1
folder=$2

case $step in
fetch)
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$3"/*.c "$3"/*.h "$folder"
    ls -l "$folder"
    ;;
compile-*)
    cc -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -O2 -c "$folder/${step#compile-}.c" -o "$folder/${step#compile-}.o"
    ;;
link)
    cc "$folder/main.o" "$folder/read.o" "$folder/table.o" -o "$folder/words"
    ;;
test-order)
    answer=$(printf 'b a b c b a' | "$folder/words")
    test "$answer" = "3 b
2 a
1 c"
    ;;
test-count)
    answer=$(printf 'One two, TWO three Three three.' | "$folder/words")
    test "$answer" = "3 three
2 two
1 one"
    ;;
test-empty)
    # Fails on its first attempt on purpose: a machine that is not warm yet.
    if [ ! -e "$folder/warm" ]; then
        touch "$folder/warm"
        echo "the machine is not warm yet" >&2
        exit 75
    fi
    test -z "$(printf '' | "$folder/words")"
    ;;
package)
    tar -C "$folder" -czf "$folder/words.tar.gz" words words.h
    tar -tzf "$folder/words.tar.gz"
    ;;
*)
    echo "there is no step $step" >&2
    exit 64
    ;;
esac
