// A table for the terminal.

/** Columns padded to their widest cell, the first row underlined. */
export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return ["", line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
