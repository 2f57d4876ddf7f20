/* Intrusive doubly-linked lists with a head. A node that is on no list points to itself. */
#ifndef SW_LIST_H
#define SW_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct sw_list {
	struct sw_list *next, *prev;
};

#define sw_container(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

static inline void sw_list_init(struct sw_list *l)
{
	l->next = l->prev = l;
}

/* sw_list_empty() - Of a head: nothing on it. Of a node: it is on no list. */
static inline bool sw_list_empty(const struct sw_list *l)
{
	return l->next == l;
}

static inline void sw_list_del(struct sw_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	sw_list_init(node);
}

/* sw_list_add() - Put @node last on @head's list; it must be on none. */
static inline void sw_list_add(struct sw_list *head, struct sw_list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* sw_list_move() - Put all of @from on @to, which must be empty, and leave @from empty. */
static inline void sw_list_move(struct sw_list *to, struct sw_list *from)
{
	if (sw_list_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	sw_list_init(from);
}

#endif
