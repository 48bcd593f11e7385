/**
 * A file on the disk before it has its name; a half-made copy is flushed whole, before it becomes real. So is what a
 * script that is called `later` writes: a later step flushes the file system.
 */
export const FLUSH_FILE = String.raw`flush() { case $0:$1 in later:* | *.pgrepl-new/data/*) ;; *) sync "$1" 2>/dev/null || sync ;; esac; }`;

/** All of the file system that something lies on: a sync of each file of a copy would wait for each. */
export const FLUSH_DISK = String.raw`flush() { sync -f "$@" 2>/dev/null || sync; }`;
