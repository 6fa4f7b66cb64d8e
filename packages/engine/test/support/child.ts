import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a child process ended. */
export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** What a child is given. */
export interface ChildOptions {
  readonly args?: readonly string[];
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called with the child and all it has printed, each time it prints. */
  readonly onOutput?: (child: ChildProcess, stdout: string) => void;
}

/**
 * Run one of the TypeScript files in `test/children` in a process of its own: for whatever changes a whole process, such
 * as its memory limit, or needs a clean one to measure.
 */
export function runChild(name: string, { args = [], env = {}, onOutput }: ChildOptions = {}): Promise<ChildResult> {
  const file = fileURLToPath(new URL(`../children/${name}.ts`, import.meta.url));
  const { NODE_OPTIONS: _, TF_CPP_MIN_LOG_LEVEL: __, ...inherited } = process.env;
  const begin = performance.now();
  const child = spawn(process.execPath, ['--conditions=@codiff/source', '--import', 'tsx', file, ...args], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    onOutput?.(child, stdout);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout, stderr, seconds: (performance.now() - begin) / 1000 }),
    );
  });
}

/** Run a child that prints one line of JSON. @throws Error with what it said if it did not */
export async function jsonOf<T>(name: string, options: ChildOptions = {}): Promise<T> {
  const { code, signal, stdout, stderr } = await runChild(name, options);
  if (code !== 0) throw new Error(`child '${name}' ended with ${code ?? signal}:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout) as T;
}
