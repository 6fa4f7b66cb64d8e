/** How bin/codiff.mjs tells a process that runs the sources for it. */
const STARTED = 'CODIFF_STARTED';

/**
 * End with the process that started this one to run the sources, where there is one: when it is gone (kill -9), do what a
 * request to end does, as nobody would know of this process.
 */
export function endWithStarter(): void {
  const started = process.env[STARTED] !== undefined;
  // Processes that this one starts are its own.
  delete process.env[STARTED];
  if (!started || process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}
