/*
 * A user's round by Amazon's SDK for JavaScript, version 3, with nothing but
 * what eucarc exports.
 *
 *     node ec2_round.js IMAGE_LOCATION
 *
 * Tells what was answered, as JSON.
 */
"use strict";

const ec2 = require("@aws-sdk/client-ec2");

const AT_ONCE = { maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.05 };

async function refusal(asked) {
  try {
    await asked;
  } catch (e) {
    const { httpStatusCode: status } = e.$metadata;
    return { status, code: e.Code, message: e.message };
  }
  return null;
}

async function main([ImageLocation]) {
  const client = new ec2.EC2Client({
    region: process.env.AWS_DEFAULT_REGION,
    maxAttempts: 1,
  });
  const ask = (operation, request) =>
    client.send(new ec2[`${operation}Command`](request));
  const zones = await ask("DescribeAvailabilityZones", {});
  const { ImageId } = await ask("RegisterImage", { ImageLocation, Name: "js v3" });
  const images = await ask("DescribeImages", {});
  const launched = await ask("RunInstances", {
    ImageId,
    MinCount: 1,
    MaxCount: 1,
    InstanceType: "m1.small",
    UserData: Buffer.from("a=1&b=~ +é").toString("base64"),
  });
  const [{ InstanceId }] = launched.Instances;
  const one = { InstanceIds: [InstanceId] };
  const state = async () => {
    const { Reservations } = await ask("DescribeInstances", one);
    return Reservations[0].Instances[0].State.Name;
  };
  await ec2.waitUntilInstanceRunning({ client, ...AT_ONCE }, one);
  const states = [await state()];
  await ask("TerminateInstances", one);
  await ec2.waitUntilInstanceTerminated({ client, ...AT_ONCE }, one);
  states.push(await state());
  await ask("DeregisterImage", { ImageId });
  const told = {
    zones: zones.AvailabilityZones.map((zone) => zone.ZoneName),
    image: ImageId,
    images: images.Images.map((image) => image.ImageId),
    reservation: launched.ReservationId,
    instance: InstanceId,
    states,
    refused: await refusal(ask("DeregisterImage", { ImageId: "emi-00000000" })),
  };
  console.log(JSON.stringify(told));
}

main(process.argv.slice(2)).catch((e) => {
  console.error(e);
  process.exitCode = 1;
});
