#include "words.h"

#include <ctype.h>

int next_word(FILE *stream, char *word, size_t size)
{
    size_t length = 0;
    int letter;

    while ((letter = getc(stream)) != EOF) {
        if (isalpha(letter)) {
            if (length < size - 1)
                word[length++] = (char)tolower(letter);
        } else if (length > 0) {
            break;
        }
    }
    word[length] = '\0';
    return length > 0;
}
