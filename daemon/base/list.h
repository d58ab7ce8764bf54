#ifndef BASE_LIST_H
#define BASE_LIST_H

/*
 * A circular, doubly linked list whose links live inside the things listed. A thing that is on no
 * list has links to itself, so it can always be removed, and removed twice.
 */

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

#define list_foreach(at, head) for ((at) = (head)->next; (at) != (head); (at) = (at)->next)

/* The body may remove the entry it is at, and nothing else. */
#define list_foreach_safe(at, after, head) \
	for ((at) = (head)->next, (after) = (at)->next; (at) != (head); \
	     (at) = (after), (after) = (at)->next)

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* Puts l right before `at`: before the head means last. */
static inline void
list_add_before(struct list *at, struct list *l)
{
	l->next = at;
	l->prev = at->prev;
	at->prev->next = l;
	at->prev = l;
}

static inline void
list_add_tail(struct list *head, struct list *l)
{
	list_add_before(head, l);
}

static inline void
list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

/* Takes the first entry off the list; NULL when there is none. */
static inline struct list *
list_pop(struct list *head)
{
	struct list *l = head->next;

	if (l == head)
		return NULL;
	list_remove(l);
	return l;
}

/* Moves everything from `from` to the end of `to`. */
static inline void
list_splice(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
