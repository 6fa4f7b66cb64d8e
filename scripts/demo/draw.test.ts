import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { drawDemo, PALETTE } from './draw.mjs';
import { faces, paintIds } from './face.mjs';

const folder = fileURLToPath(new URL('../../test_data/demo/', import.meta.url));

describe('test_data/demo', () => {
  it.each(Object.entries(drawDemo()))('%s is what the script draws', (name, file) => {
    // zlib may pack the same pixels otherwise in another version, so pixels are compared.
    const [drawn, stored] = [file, readFileSync(join(folder, name))].map((png) => PNG.sync.read(png));
    expect([stored!.width, stored!.height]).toEqual([drawn!.width, drawn!.height]);
    expect(stored!.data.equals(drawn!.data)).toBe(true);
  });

  it('has the palette and the classes of a face, and an edit that changes few pixels', () => {
    const expected = JSON.parse(
      readFileSync(
        fileURLToPath(new URL('../../packages/parity/fixtures/dataset/expected.json', import.meta.url)),
        'utf8',
      ),
    ) as { palette: number[][] };
    expect(PALETTE).toEqual(expected.palette);
    const [face, edited] = [paintIds(faces.face, 256), paintIds(faces.edited, 256)];
    expect([...new Set(face)].sort((a, b) => a - b)).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 17, 18]);
    const changed = face.filter((id, i) => id !== edited[i]).length / face.length;
    expect(changed).toBeGreaterThan(0.005);
    expect(changed).toBeLessThan(0.05);
    expect(edited).toContain(3);
    expect(edited).not.toContain(10);
  });
});
