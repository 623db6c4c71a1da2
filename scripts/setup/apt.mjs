// Installing Debian packages.

import { ExplainedError } from "./explained-error.mjs";
import { ask, run } from "./steps.mjs";

/**
 * Installs packages with apt-get, as root or through sudo.
 * @param {string[]} packages
 * @param {string} byHand what the reader can do instead, when apt-get is missing or fails
 */
export async function aptInstall(packages, byHand) {
  if (ask("apt-get", ["--version"]) === null) {
    throw new ExplainedError(`There is no apt-get here to install ${packages.join(", ")} with.\n${byHand}`);
  }
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
    // Another set-up may be at it: wait for its lock instead of failing.
    const [program = "apt-get", ...rest] = [...asRoot, "apt-get", "-o", "DPkg::Lock::Timeout=300", ...args];
    await run(program, rest, {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      advice: `It needs root (or sudo without a password) and Debian's package servers.\n${byHand}`,
    });
  }
}
