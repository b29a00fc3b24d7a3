/*
 * A user's round by the npm package "soap", with its own WS-Security.
 *
 *     node soap_round.js WSDL sha1|sha256|body-only IMAGE_LOCATION
 *
 * Credentials are those of eucarc.  Tells what was answered, as JSON.
 */
"use strict";

const { readFileSync } = require("fs");
const { setTimeout: pause } = require("timers/promises");
const soap = require("soap");

const FORMS = {
  sha1: {
    signatureAlgorithm: "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    digestAlgorithm: "http://www.w3.org/2000/09/xmldsig#sha1",
  },
  sha256: {
    signatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256",
  },
  "body-only": { excludeReferencesFromSigning: ["Timestamp"] },
};

const PAUSE_MS = 50;
const PATIENCE = 600;
const NAMED_SINCE = "2009-10-31";

/** A service at its date: "ask" makes a request, "sent" is the last message. */
async function serviceOf(wsdl, form) {
  const client = await soap.createClientAsync(wsdl);
  const { services, $targetNamespace } = client.wsdl.definitions;
  const { EC2_PRIVATE_KEY, EC2_CERT } = process.env;
  const security = new soap.WSSecurityCert(
    readFileSync(EC2_PRIVATE_KEY),
    readFileSync(EC2_CERT),
    "",
    FORMS[form],
  );
  client.setSecurity(security);
  const [port] = Object.values(Object.values(services)[0].ports);
  return {
    address: port.location,
    date: $targetNamespace.match(/\d{4}-\d\d-\d\d/)[0],
    ask: async (operation, request) => (await client[`${operation}Async`](request))[0],
    sent: () => client.lastRequest,
  };
}

/** What a list has, whether it is one, several or none. */
const items = (list) => [list?.item ?? []].flat();

async function refusal(asked) {
  try {
    await asked;
  } catch (e) {
    const { faultcode, faultstring } = e.root.Envelope.Body.Fault;
    return { status: e.response.status, code: faultcode, message: faultstring };
  }
  return null;
}

async function round({ ask, date }, imageLocation) {
  const zones = await ask("DescribeAvailabilityZones", { availabilityZoneSet: {} });
  const name = date < NAMED_SINCE ? {} : { name: `npm ${date}` };
  const { imageId } = await ask("RegisterImage", { imageLocation, ...name });
  const everyone = { executableBySet: {}, imagesSet: {}, ownersSet: {} };
  const images = await ask("DescribeImages", everyone);
  const launched = await ask("RunInstances", {
    imageId,
    minCount: 1,
    maxCount: 1,
    groupSet: {},
    instanceType: "m1.small",
  });
  const [{ instanceId }] = items(launched.instancesSet);
  const one = { instancesSet: { item: [{ instanceId }] } };
  const state = async () => {
    const { reservationSet } = await ask("DescribeInstances", one);
    return items(items(reservationSet)[0].instancesSet)[0].instanceState.name;
  };
  const until = async (wanted) => {
    for (let n = 0; n < PATIENCE; n++) {
      if ((await state()) === wanted) return wanted;
      await pause(PAUSE_MS);
    }
    throw new Error(`${instanceId} is not ${wanted}`);
  };
  const states = [await until("running")];
  await ask("TerminateInstances", one);
  states.push(await until("terminated"));
  await ask("DeregisterImage", { imageId });
  return {
    zones: items(zones.availabilityZoneInfo).map((zone) => zone.zoneName),
    image: imageId,
    images: items(images.imagesSet).map((image) => image.imageId),
    reservation: launched.reservationId,
    instance: instanceId,
    states,
    refused: await refusal(ask("DeregisterImage", { imageId: "emi-00000000" })),
  };
}

async function main([wsdl, form, imageLocation]) {
  const service = await serviceOf(wsdl, form);
  const told = await round(service, imageLocation);
  const { address, date } = service;
  console.log(JSON.stringify({ ...told, address, date, sent: service.sent() }));
}

main(process.argv.slice(2)).catch((e) => {
  console.error(e.root ? JSON.stringify(e.root.Envelope.Body) : e);
  process.exitCode = 1;
});
