/*
 * The short process of bench/bill.ts: takes as much CPU time as its argument says, in us, its exec included. Statically
 * linked, so that the exec takes little of it.
 */
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	long us = argc > 1 ? atol(argv[1]) : 0;
	struct timespec now;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while (now.tv_sec * 1000000 + now.tv_nsec / 1000 < us);
	return 0;
}
