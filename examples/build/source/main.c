#include "words.h"

int main(void)
{
    char word[64];

    while (next_word(stdin, word, sizeof word))
        if (!count_word(word))
            return 1;
    print_words(stdout, 10);
    return 0;
}
