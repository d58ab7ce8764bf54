/*
 * Owns the one lock of standard output. It writes nothing itself.
 */
#include "io/stdout_lock.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
stdout_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
stdout_unlock(void)
{
	pthread_mutex_unlock(&lock);
}
