#ifndef WORDS_H
#define WORDS_H

#include <stddef.h>
#include <stdio.h>

/* The next word of the stream in lower case, at most size - 1 letters of it; 0 at the end. */
int next_word(FILE *stream, char *word, size_t size);

/* Counts one more of the word; 0 when memory is spent. */
int count_word(const char *word);

/* Prints the words with their counts, the most frequent first, at most limit of them. */
void print_words(FILE *stream, size_t limit);

#endif
