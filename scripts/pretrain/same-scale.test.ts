import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeValues, TensorToWrite } from '@codiff/ldm-core';
import { saveTensors } from '@codiff/ldm-core/node';
import { expect, it } from 'vitest';
import { PretrainError } from './pretrain-error.js';
import { checkSameScale } from './same-scale.js';
import { SHIPPED, shippedFile } from './stage-table.js';

it('wants branches of one scale', async () => {
  const root = mkdtempSync(join(tmpdir(), 'scale-'));
  try {
    mkdirSync(join(root, SHIPPED), { recursive: true });
    const write = async (stage: 'mask' | 'text', scale: number): Promise<void> => {
      const bytes = async () => encodeValues('float32', Float32Array.of(scale));
      await saveTensors(
        join(root, shippedFile(stage)),
        new Map([['scale_factor', new TensorToWrite('float32', [], bytes)]]),
      );
    };
    await write('mask', 0.75);
    await write('text', 0.75);
    await checkSameScale(root);
    await write('text', 0.5);
    await expect(checkSameScale(root)).rejects.toThrow(PretrainError);
    await expect(checkSameScale(root)).rejects.toThrow(/mask.safetensors .* scale 0.75, .*text.safetensors of 0.5/);
  } finally {
    rmSync(root, { recursive: true });
  }
});
