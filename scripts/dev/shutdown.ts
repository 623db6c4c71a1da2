// Ending in order when somebody wants us to end.

/**
 * Calls `stop` once, when Ctrl-C is pressed, a signal asks us to end, or the process that started us is gone; then ends
 * with `code`. A second request ends at once.
 */
export function onShutdown(stop: () => Promise<void>, code: number): void {
  let asked = false;
  const end = () => {
    if (asked) process.exit(code);
    asked = true;
    void stop().finally(() => process.exit(code));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  process.on("disconnect", end);
}
