// Errors for the person at the terminal.

/** A failure whose message says all there is to say, what to do included: it is shown without a stack. */
export class ExplainedError extends Error {}

/** Makes uncaught explained errors appear as their message alone. Others keep their stack: they are our mistakes. */
export function showExplainedErrorsPlainly() {
  process.on("uncaughtException", (error) => {
    console.error(error instanceof ExplainedError ? error.message : error);
    process.exit(1);
  });
}
