// Output of several processes in one terminal.

/** A printer of lines that says in front of each where it comes from. */
export function prefixed(name: string): (line: string) => void {
  const prefix = `${name.padEnd(9)} | `;
  return (line) => console.log(line === "" ? prefix.trimEnd() : prefix + line);
}
