#include "words.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    char *word;
    unsigned long count;
};

static struct entry *entries;
static size_t used, room;

int count_word(const char *word)
{
    for (size_t at = 0; at < used; at++) {
        if (strcmp(entries[at].word, word) == 0) {
            entries[at].count++;
            return 1;
        }
    }
    if (used == room) {
        size_t larger = room ? 2 * room : 64;
        struct entry *moved = realloc(entries, larger * sizeof *moved);
        if (!moved)
            return 0;
        entries = moved;
        room = larger;
    }
    entries[used].word = strdup(word);
    if (!entries[used].word)
        return 0;
    entries[used++].count = 1;
    return 1;
}

static int by_count(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return strcmp(a->word, b->word);
}

void print_words(FILE *stream, size_t limit)
{
    qsort(entries, used, sizeof *entries, by_count);
    for (size_t at = 0; at < used && at < limit; at++)
        fprintf(stream, "%lu %s\n", entries[at].count, entries[at].word);
}
