import { parseArgs } from 'node:util';
import type { Mode } from './kinds/kind.js';

/** Which tensors a run computes with: the engine's, or tfjs's plain JavaScript, which proves the core needs no engine. */
export const BACKENDS = ['engine', 'cpu'] as const;
/** A name of {@link BACKENDS}. */
export type BackendName = (typeof BACKENDS)[number];

/** What the command line asks for. */
export interface Arguments {
  /** A folder of cases, or the name of a check of the committed data. */
  readonly subject: string;
  readonly kinds?: readonly string[] | undefined;
  /** Absent: all that the backend has. */
  readonly modes?: readonly Mode[] | undefined;
  readonly json?: string | undefined;
  readonly backend: BackendName;
  readonly device: string;
  /** Put the table of errors into the package's README. */
  readonly write: boolean;
}

/** How the command is used; shown with every mistake in its arguments. */
export const USAGE = `usage: npm run parity -- DIR [--kinds a,b] [--mode eager|compiled|both] [--json FILE] [--write]
                            [--backend engine|cpu] [--device cpu|gpu]
       npm run parity -- keys     every key and shape of the eight full-size models
       npm run parity -- data     token lists, checkpoints and keys of the committed fixtures`;

const MODES: Readonly<Record<string, readonly Mode[]>> = {
  eager: ['eager'],
  compiled: ['compiled'],
  both: ['eager', 'compiled'],
};

/** Read the command line. @throws Error saying what is wrong with it */
export function parseArguments(argv: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      kinds: { type: 'string' },
      mode: { type: 'string' },
      json: { type: 'string' },
      backend: { type: 'string', default: 'engine' },
      device: { type: 'string', default: 'cpu' },
      write: { type: 'boolean', default: false },
    },
  });
  const [subject, ...more] = positionals;
  if (subject === undefined || more.length > 0) throw new Error(`wanted one folder, got ${positionals.length}`);
  const modes = values.mode === undefined ? undefined : MODES[values.mode];
  if (values.mode !== undefined && modes === undefined) throw new Error(`--mode is '${values.mode}'`);
  const backend = BACKENDS.find((name) => name === values.backend);
  if (backend === undefined) throw new Error(`--backend is '${values.backend}', wanted ${BACKENDS.join(' or ')}`);
  const { kinds, json, device, write } = values;
  return { subject, kinds: kinds?.split(',').filter((kind) => kind !== ''), modes, json, backend, device, write };
}
