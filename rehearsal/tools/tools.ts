/** Tools that are built from the Go module proxy, beside Pulumi itself (operations/engine/cli.ts). */
import type { GoTool } from '../../operations/engine/go.ts';

/** Docker Compose v2: Debian has only 1.29, which reads env files differently. */
export const dockerCompose: GoTool = {
  name: 'docker-compose',
  binary: 'cmd',
  estimate: 'about 2 minutes on 2 cores',
  link: { 'github.com/docker/compose/v2/internal.Version': 'v2.40.3' },
};
