import { structuredPatch } from 'diff';

/** A unified difference, without the lines that name the files; nothing where they are the same. */
export function difference(was: string, becomes: string): string[] {
  const { hunks } = structuredPatch('', '', was, becomes, '', '', { context: 3 });
  return hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
    ...lines,
  ]);
}
