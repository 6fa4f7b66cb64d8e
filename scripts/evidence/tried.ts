import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What people have to say about the table: written by hand, beside this file, where there is something to say. */
const FILE = fileURLToPath(new URL('./tried.md', import.meta.url));

/** What was tried where the claim does not hold, for the page; empty where nobody wrote of it. */
export const triedText = (): string => (existsSync(FILE) ? readFileSync(FILE, 'utf8') : '');
