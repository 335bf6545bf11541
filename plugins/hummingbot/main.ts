/** The local plugin's process: one Pulumi provider that hands each resource type to its noun. */
import { resolve } from 'node:path';
import { serve } from '../provider-server.ts';
import { FileResource } from './file.ts';

/** The project's folder; paths in the state are relative to it, so that a checkout can move. */
const projectDirectory = resolve(import.meta.dirname, '../..');

await serve('0.1.0', { 'hummingbot:index:File': new FileResource(projectDirectory) });
