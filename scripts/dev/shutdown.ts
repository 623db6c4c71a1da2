// Ending in order when somebody wants us to end.

/**
 * Calls `stop` once, when Ctrl-C is pressed, a signal asks us to end, or the process that started us is gone; then ends
 * with `code`. Further requests change nothing: one signal often arrives twice, from the terminal and from our parent.
 */
export function onShutdown(stop: () => Promise<void>, code: number): void {
  let asked = false;
  const end = () => {
    if (asked) return;
    asked = true;
    void stop().finally(() => process.exit(code));
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  process.on("disconnect", end);
}
