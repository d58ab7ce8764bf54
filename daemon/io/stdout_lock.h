#ifndef IO_STDOUT_LOCK_H
#define IO_STDOUT_LOCK_H

/*
 * Standard output has two writers in one process when the event log goes there and --stdio speaks
 * on it. Each takes this lock around whole lines, from the first octet of one to the end of one,
 * so no line is torn by the other's. A write may block while it is held: never take it in a
 * thread that must not.
 */

void stdout_lock(void);
void stdout_unlock(void);

#endif
