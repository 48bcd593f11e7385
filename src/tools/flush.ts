/** A file on the disk before it has its name; a half-made copy is flushed whole, before it becomes real. */
export const FLUSH_FILE = String.raw`flush() { case $1 in *.pgrepl-new/data/*) ;; *) sync "$1" 2>/dev/null || sync ;; esac; }`;

/** All of the file system that something lies on: a sync of each file of a copy would wait for each. */
export const FLUSH_DISK = String.raw`flush() { sync -f "$1" 2>/dev/null || sync; }`;
