/**
 * Flushes a file to the disk before it gets its name. In a half-made copy, and in a script that is called `later`, it
 * does nothing: a later step flushes the whole file system.
 */
export const FLUSH_FILE = String.raw`flush() { case $0:$1 in later:* | *.pgrepl-new/data/*) ;; *) sync "$1" 2>/dev/null || sync ;; esac; }`;

/** All of the file system that something lies on: a sync of each file of a copy would wait for each. */
export const FLUSH_DISK = String.raw`flush() { sync -f "$@" 2>/dev/null || sync; }`;
