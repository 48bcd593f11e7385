import { waitFor } from '../../e2e/support/machine.ts';
import type { Host } from './host.ts';

/** For the `bindir` of a node: there pg_ctl waits before it stops a server, until it is told to go on. */
export const HELD = '/srv/held';

const PG_CTL = `#!/bin/sh
for verb; do :; done
if [ "$verb" = stop ] && [ -f /tmp/hold ]; then
  : >/tmp/asked
  until [ -f /tmp/go-on ]; do sleep 0.02; done
fi
exec /usr/lib/postgresql/$MAJOR/bin/pg_ctl "$@"
`;

export type HeldStop = {
  /** From now on a stop waits. */
  hold: () => Promise<void>;
  /** Waits until one does. */
  held: () => Promise<void>;
  goOn: () => Promise<void>;
};

export async function heldStop(host: Host): Promise<HeldStop> {
  const bin = `/usr/lib/postgresql/${host.major}/bin`;
  const root = { user: 'root' } as const;
  const links = 'mkdir -p "$2" && ln -s "$1"/* "$2" && rm "$2/pg_ctl"';
  await host.exec(['sh', '-c', links, 'held', bin, HELD], root);
  await host.write(`${HELD}/pg_ctl`, PG_CTL.replace('$MAJOR', String(host.major)), root);
  await host.exec(['chmod', '755', `${HELD}/pg_ctl`], root);
  const asked = async (): Promise<boolean> => (await host.tries(['test', '-f', '/tmp/asked'])).code === 0;
  return {
    hold: async () => {
      await host.exec(['touch', '/tmp/hold']);
    },
    held: async () => {
      await waitFor(asked, { seconds: 60, what: `${host.name} is about to be stopped` });
    },
    goOn: async () => {
      await host.exec(['sh', '-c', 'rm -f /tmp/hold /tmp/asked && : >/tmp/go-on']);
    },
  };
}
