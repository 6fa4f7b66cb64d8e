import { expect, it } from 'vitest';
import { NOISE_WEIGHTS } from './noise-errors.js';
import { noiseTable } from './noise-table.js';

it('shows the errors of each timestep and their mean, the least in bold', () => {
  const errors = (timestep: number, best: number, collaborative: number) => ({
    timestep,
    fixed: NOISE_WEIGHTS.map((weight) => 0.1 + (weight - best) ** 2),
    collaborative,
    generate: 0.3,
    influence: 0.625,
  });
  const rows = noiseTable([errors(950, 0.75, 0.09), errors(50, 0.25, 0.2)]).split('\n');
  expect(rows).toHaveLength(5);
  expect(rows[2]).toBe('| 950 | 0.6625 | 0.1625 | 0.75 | 0.1000 | **0.0900** | 0.3000 | 0.63 |');
  expect(rows[3]).toBe('| 50 | 0.1625 | 0.6625 | 0.25 | **0.1000** | 0.2000 | 0.3000 | 0.63 |');
  // The best weight of all timesteps together need not be the best of any.
  expect(rows[4]).toBe('| mean of 2 | 0.4125 | 0.4125 | 0.5 | 0.1625 | **0.1450** | 0.3000 | 0.63 |');
});
