const LONGEST = 63;

/** Whether PostgreSQL takes it as a slot's name: ReplicationSlotValidateName in slot.c. */
export function isSlotName(text: string): boolean {
  return /^[a-z0-9_]{1,63}$/.test(text);
}

/**
 * The slot a node uses when none is named: its name, with `_` for what a slot's name cannot hold. Two nodes whose names
 * differ only in such characters would get the same slot; checkCluster refuses that.
 */
export function slotName(node: string): string {
  const slot = node.toLowerCase().replace(/[^a-z0-9_]/g, '_');
  return slot.slice(0, LONGEST) || '_';
}

/**
 * The name at the upstream of a server that is named after its host. The upstream may have several standbys on that
 * host, so the port is appended where the command line says one.
 */
export function namesAtPort(name: string, port = 5432): { seenAs?: string; slot: string } {
  if (port === 5432) return { slot: slotName(name) };
  const seenAs = `${name}_${port}`;
  return { seenAs, slot: slotName(seenAs) };
}
