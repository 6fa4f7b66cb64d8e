/** `npm run check`: types, lint, format and the import law. One line a part; fails if any part does. */
import { fileURLToPath } from 'node:url';
import { checkParts, runParts } from './check/parts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { failed } = await runParts(checkParts(root), console.log);
process.exitCode = failed === 0 ? 0 : 1;
