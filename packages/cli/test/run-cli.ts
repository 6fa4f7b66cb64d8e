import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../bin/codiff.mjs', import.meta.url));

// An engine in the test's own process leaves its log level in the environment, and a child would take it for the user's.
const { TF_CPP_MIN_LOG_LEVEL: _, ...env } = process.env;

/** What a run of the command did. */
export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Run `codiff` in a folder.
 * @param onOutput gets what it has printed to stderr so far, a function that interrupts it as Ctrl-C in a terminal does, and
 *   one that kills it
 */
export function runCli(
  folder: string,
  args: readonly string[],
  onOutput?: (stderr: string, interrupt: () => void, kill: () => void) => void,
): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    // A group of its own, since a terminal sends Ctrl-C to all processes of a command.
    const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, env, detached: onOutput !== undefined });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += String(data);
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += String(data);
      const send = (signal: NodeJS.Signals) => () => void process.kill(-child.pid!, signal);
      onOutput?.(stderr, send('SIGINT'), send('SIGKILL'));
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
