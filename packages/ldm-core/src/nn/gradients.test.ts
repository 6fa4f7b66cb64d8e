import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

// A fresh process, because the tests themselves have long registered everything.
it('registers the gradients of tfjs-core, prints nothing and picks no backend', () => {
  const program = `
    import * as tf from '@tensorflow/tfjs-core';
    const before = tf.getGradient('MatMul') ?? tf.getGradient('BatchMatMul');
    await import('@tensorflow/tfjs');
    const after = tf.getGradient('BatchMatMul');
    process.stdout.write(JSON.stringify([before === undefined, typeof after?.gradFunc]));`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd, stdio: 'pipe' });
  expect(output.toString()).toBe('[true,"function"]');
});
