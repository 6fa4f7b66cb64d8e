import { fileURLToPath } from 'node:url';

/** The committed outputs of the original. */
export const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));
