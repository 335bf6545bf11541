/**
 * Rehearsal plugin for `docker`: used only where the official one cannot be had. It makes the types
 * that the program uses and refuses all others. README.md beside it lists what is the same as in
 * the official provider and what is not.
 */
import { serve } from '../../../plugins/provider-server.ts';
import { DockerFile } from './docker-file.ts';
import { Engine } from './engine.ts';
import { ServiceResource } from './service.ts';

const engine = new Engine();

await serve(
  '5.2.0',
  {
    'docker:index/secret:Secret': new DockerFile(engine, 'secret'),
    'docker:index/service:Service': new ServiceResource(engine),
    'docker:index/serviceConfig:ServiceConfig': new DockerFile(engine, 'config'),
  },
  { configuration: engine },
);
