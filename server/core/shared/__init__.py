"""What all workers of a server know of a file together: who has it open, what each may cache, what is locked.

* `records`   the values, and their bytes in the store
* `rules`     who may open what beside whom, and whose cache has to give way to it (MS-FSA 2.1.5.1.2.2, 2.1.4.12)
* `ranges`    byte-range locks (MS-FSA 2.1.4.10, 2.1.5.7)
* `table`     the transactions: each sees and leaves a whole state, so that a process may be killed at any instant;
  `locking` and `caches` those on locks and on what is held
* `reclaim`   opens without a connection: kept, taken back, and given up
* `logons`    which worker has which session;  `applications` which open belongs to which instance of an application
* `streams`   the opens of a file's streams, as far as the file has to know of them
* `notices`   what one worker tells another; every one is a hint to look at the store, and may come twice

Nothing here waits, and nothing knows a connection or a request.
"""
