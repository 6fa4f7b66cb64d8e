import { basename } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { listCases, readCase } from '../src/cases/case-folder.js';
import { FIXTURES } from '../src/data/fixtures.js';
import { checkFixtureData } from '../src/data/table.js';
import { KINDS } from '../src/kinds/table.js';
import { describeCase } from '../src/report/text.js';
import { type Backend, useBackend } from '../src/run/backend.js';
import { runCase } from '../src/run/run-case.js';

/** Everything built but the full-size models, which take minutes: `npm run parity -- packages/parity/fixtures` has them. */
const CASES = listCases(FIXTURES)
  .cases.map((path) => [basename(path), readCase(path)] as const)
  .filter(([, { config }]) => KINDS.has(String(config.kind)) && config.kind !== 'fullsize');

/**
 * A case takes 20 s at most on two free cores. Much longer on a busy machine, and one that is cut off goes on behind the
 * next one's back, whose tensors it then frees.
 */
const TIMEOUT_MS = 300_000;

let backend: Backend;
beforeAll(async () => {
  backend = await useBackend('engine', 'cpu');
});

describe.each(['eager', 'compiled'] as const)('the committed fixtures, %s', (mode) => {
  it.each(CASES)(
    '%s',
    async (_, file) => {
      const result = await runCase(file, KINDS.get(String(file.config.kind))!, mode, backend.call(mode));
      expect(result.ok, describeCase(result)).toBe(true);
    },
    TIMEOUT_MS,
  );
});

it('has the committed token lists, checkpoints and keys right', async () => {
  for (const result of await checkFixtureData()) expect(result.ok, describeCase(result)).toBe(true);
});
