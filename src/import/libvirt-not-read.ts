import { unknown } from '../model/fact.ts';
import { markOfElements } from './content-mark.ts';
import { driverOfElement, placeOnBus } from './libvirt-drivers.ts';
import { commonProperties, optionOf } from './libvirt-node.ts';
import type { Option } from './option.ts';
import { childOf, type XmlNode } from './xml-document.ts';

/** A device that is there, of which libvirt's rules are not known here, but perhaps what model it is. */
export function notRead(node: XmlNode): Option {
  const model =
    childOf(node, 'model')?.attributes.get('type') ?? node.attributes.get('model') ?? node.attributes.get('type');
  const what = `<${node.name}>${model === undefined ? '' : ` of model ${model}`}`;
  const why = unknown('not-supported', `what libvirt makes of ${what} is not known here (${markOfElements([node])})`);
  const driver = driverOfElement(node);
  const place = driver === undefined ? {} : placeOnBus(node, driver);
  return optionOf('device', { ...commonProperties(node), ...place, driver: driver ?? why, settings: why }, node);
}
