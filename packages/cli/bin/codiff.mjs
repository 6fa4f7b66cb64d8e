#!/usr/bin/env node
/**
 * The `codiff` command. Plain JavaScript, so that `codiff doctor` can say what is wrong before anything is installed or
 * built; every other command is TypeScript and runs from the build, or from the sources when they are newer.
 */
import { spawn } from 'node:child_process';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';
import { runMode } from './run-mode.mjs';

const [command, ...rest] = process.argv.slice(2);
if (command === 'doctor') {
  const { doctorCommand } = await import('../src/doctor/command.mjs');
  process.exitCode = await doctorCommand(rest);
} else {
  const mode = runMode();
  if (mode.kind === 'none') {
    process.stderr.write(`codiff: ${mode.message}.\n'codiff doctor' works without.\n`);
    process.exitCode = 1;
  } else if (mode.kind === 'dist') {
    await import(pathToFileURL(mode.main).href);
  } else {
    const child = spawn(process.execPath, [...mode.nodeArgs, mode.main, ...process.argv.slice(2)], {
      // The channel tells the child when this process is gone.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, CODIFF_STARTED: '1' },
    });
    // A terminal sends Ctrl-C to both; the child decides what it means, and we end as it does.
    const hasTerminal = [0, 1, 2].some((stream) => isatty(stream));
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'])) {
      if (process.platform === 'win32' && signal.startsWith('SIGUSR')) continue;
      process.on(signal, () => {
        if (signal !== 'SIGINT' || !hasTerminal) child.kill(signal);
      });
    }
    child.on('exit', (code, signal) => {
      if (signal) {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      } else process.exitCode = code ?? 1;
    });
  }
}
