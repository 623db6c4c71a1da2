// A lock between processes, so that two set-ups at once (two clones, two terminals) take turns.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs `work` while holding the lock. The lock is a folder, because creating one is atomic everywhere;
 * a lock whose holder is no longer running is taken over.
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(folder, work) {
  mkdirSync(dirname(folder), { recursive: true });
  let told = false;
  while (!take(folder)) {
    const holder = holderOf(folder);
    if (holder !== null && !isRunning(holder)) {
      release(folder, holder);
      continue;
    }
    if (!told) {
      console.log(`[set-up] waiting for another set-up${holder === null ? "" : ` (process ${holder})`} ...`);
      told = true;
    }
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder */
function take(folder) {
  // The folder is made complete under another name and then renamed, so that a lock without its holder is never seen.
  const staged = `${folder}.${process.pid}`;
  mkdirSync(staged, { recursive: true });
  writeFileSync(`${staged}/pid`, String(process.pid));
  try {
    renameSync(staged, folder); // fails when the folder exists and is not empty
    return true;
  } catch {
    rmSync(staged, { recursive: true, force: true });
    return false;
  }
}

/** @param {string} folder */
function holderOf(folder) {
  try {
    return Number(readFileSync(`${folder}/pid`, "utf8"));
  } catch {
    return null;
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * Removes a dead holder's lock. It is first moved aside and looked at: had another process taken the lock over
 * in the meantime, its lock is put back.
 * @param {string} folder
 * @param {number} deadHolder
 */
function release(folder, deadHolder) {
  const aside = `${folder}.dead.${process.pid}`;
  try {
    renameSync(folder, aside);
  } catch {
    return;
  }
  if (holderOf(aside) !== deadHolder) {
    try {
      renameSync(aside, folder);
      return;
    } catch {
      // A third process holds it now: both would build the same thing into folders of their own, and the later rename wins.
    }
  }
  rmSync(aside, { recursive: true, force: true });
}
