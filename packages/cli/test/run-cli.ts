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
 * @param onOutput called at the start and with every output; gets what it has printed to stderr so far, a function that interrupts it
 *   once, and one that kills it with all of its processes
 */
export function runCli(
  folder: string,
  args: readonly string[],
  onOutput?: (stderr: string, interrupt: () => void, kill: () => void) => void,
): Promise<CliRun> {
  return new Promise((resolve, reject) => {
    // A group of its own, to be killed as one.
    const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, env, detached: onOutput !== undefined });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += String(data);
    });
    // Without a terminal the command passes the signal on to what it has started.
    const interrupt = () => void child.kill('SIGINT');
    const tell = () => onOutput?.(stderr, interrupt, () => void process.kill(-child.pid!, 'SIGKILL'));
    tell();
    child.stderr.on('data', (data: Buffer) => {
      stderr += String(data);
      tell();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
