import { asList, asObject, asText, member, optional } from './qmp-value.ts';

/** One SchemaInfo of query-qmp-schema (qapi/introspect.json), with its members unchecked. */
type SchemaInfo = Readonly<Record<string, unknown>>;

/**
 * The QAPI schema that a QEMU tells of itself. Commands have their names; types are numbered, and the numbers differ
 * from build to build, so that everything is looked up from a command.
 */
export class QmpSchema {
  readonly #types = new Map<string, SchemaInfo>();

  /**
   * @param value what query-qmp-schema returned
   * @throws QmpError `protocol`: no list of SchemaInfo
   */
  constructor(value: unknown) {
    for (const entry of asList(value, 'query-qmp-schema')) {
      const info = asObject(entry, 'query-qmp-schema: an entry');
      this.#types.set(asText(member(info, 'name'), 'query-qmp-schema: name'), info);
    }
  }

  hasCommand(name: string): boolean {
    const info = this.#types.get(name);
    return info !== undefined && member(info, 'meta-type') === 'command';
  }

  /**
   * The member names of one branch of a command's argument union, sorted: `netdev_add`, `vhost-vdpa` gives `queues`,
   * `vhostdev` .. undefined where the command, the union or the branch is not built in.
   */
  branchMembers(command: string, branch: string): string[] | undefined {
    const union = this.#argumentOf(command);
    const variants = union && optional(member(union, 'variants'), asList, `schema of ${command}: variants`);
    for (const entry of variants ?? []) {
      const variant = asObject(entry, `schema of ${command}: a variant`);
      if (member(variant, 'case') !== branch) continue;
      const type = this.#types.get(asText(member(variant, 'type'), `schema of ${command}: a variant's type`));
      const members = asList(type && member(type, 'members'), `schema of ${command}: members of ${branch}`);
      return members.map((one) => asText(member(asObject(one, 'a member'), 'name'), 'a member name')).sort();
    }
    return undefined;
  }

  #argumentOf(command: string): SchemaInfo | undefined {
    const info = this.#types.get(command);
    const type = info && member(info, 'arg-type');
    return typeof type === 'string' ? this.#types.get(type) : undefined;
  }
}
