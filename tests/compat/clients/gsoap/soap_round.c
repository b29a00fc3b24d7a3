/*
 * A user's round by gSOAP at 2008-02-01, with its own WS-Security.
 *
 *     soap_round sha1|sha256 IMAGE_LOCATION
 *
 * Built by tools/clients: gSOAP makes ec2.nsmap and the stubs from the cloud's
 * own description.  Answers are held against it, as SOAP_XML_STRICT says.
 * Credentials are those of eucarc.  Tells what was answered, as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "AmazonEC2Binding.nsmap"
#include "logging.h"
#include "soapH.h"
#include "wsseapi.h"

#define PAUSE_US 50000
#define PATIENCE 600
#define LIFETIME_S 300

static struct soap *ec2;
static const char *service;
static EVP_PKEY *key;
static X509 *certificate;
static int algorithm;

/* All that was sent, with HTTP headers, and where the last of it begins. */
static FILE *sent;
static char *sent_text;
static size_t sent_size;
static long last;

static void fail(void) {
  soap_print_fault(ec2, stderr);
  exit(1);
}

static FILE *opened(const char *variable) {
  const char *path = getenv(variable);
  FILE *file = path ? fopen(path, "r") : NULL;
  if (!file) {
    fprintf(stderr, "%s does not name a file\n", variable);
    exit(1);
  }
  return file;
}

static void read_credentials(void) {
  FILE *file = opened("EC2_PRIVATE_KEY");
  key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
  fclose(file);
  file = opened("EC2_CERT");
  certificate = PEM_read_X509(file, NULL, NULL, NULL);
  fclose(file);
  service = getenv("EC2_URL");
  if (!key || !certificate || !service) {
    fprintf(stderr, "There are no credentials\n");
    exit(1);
  }
}

/*
 * What is asked next is signed.  gSOAP's times are of whole seconds, so that the
 * same request made twice within one would be the same message, which is taken
 * once; here they differ by the Timestamp's id.
 */
static void sign(void) {
  static int count;
  char *id = soap_malloc(ec2, 32);
  snprintf(id, 32, "Time-%d", ++count);
  soap_wsse_delete_Security(ec2);
  last = ftell(sent);
  if (soap_wsse_add_Timestamp(ec2, id, LIFETIME_S) ||
      soap_wsse_add_BinarySecurityTokenX509(ec2, "X509Token", certificate) ||
      soap_wsse_add_KeyInfo_SecurityTokenReferenceX509(ec2, "#X509Token") ||
      soap_wsse_sign_body(ec2, algorithm, key, 0))
    fail();
}

/* ask(operation, request, answer): signs, sends, and ends the program at a fault. */
#define ask(operation, request, answer)                                        \
  do {                                                                         \
    sign();                                                                    \
    if (soap_call___ns1__##operation(ec2, service, #operation, request, answer)) \
      fail();                                                                  \
  } while (0)

static void say_text(const char *text, size_t size) {
  putchar('"');
  for (size_t n = 0; n < size; n++)
    if (text[n] < ' ' || text[n] == '"' || text[n] == '\\')
      printf("\\u%04x", (unsigned char)text[n]);
    else
      putchar(text[n]);
  putchar('"');
}

static void say(const char *name, const char *text) {
  printf("\"%s\": ", name);
  say_text(text, strlen(text));
  printf(", ");
}

static void wait_for(char *instance, const char *wanted) {
  struct ns1__DescribeInstancesItemType item = {instance};
  struct ns1__DescribeInstancesInfoType set = {1, &item};
  struct ns1__DescribeInstancesType request = {&set};
  for (int n = 0; n < PATIENCE; n++) {
    struct ns1__DescribeInstancesResponseType answer;
    ask(DescribeInstances, &request, &answer);
    if (!strcmp(answer.reservationSet->item->instancesSet->item->instanceState->name,
                wanted))
      return;
    usleep(PAUSE_US);
  }
  fprintf(stderr, "%s is not %s\n", instance, wanted);
  exit(1);
}

static void say_zones(void) {
  struct ns1__DescribeAvailabilityZonesSetType every = {0};
  struct ns1__DescribeAvailabilityZonesType request = {&every};
  struct ns1__DescribeAvailabilityZonesResponseType answer;
  ask(DescribeAvailabilityZones, &request, &answer);
  printf("\"zones\": [");
  for (int n = 0; n < answer.availabilityZoneInfo->__sizeitem; n++) {
    char *name = answer.availabilityZoneInfo->item[n].zoneName;
    printf(n ? ", " : "");
    say_text(name, strlen(name));
  }
  printf("], ");
}

static void say_images(void) {
  struct ns1__DescribeImagesExecutableBySetType by = {0};
  struct ns1__DescribeImagesInfoType every = {0};
  struct ns1__DescribeImagesOwnersType of = {0};
  struct ns1__DescribeImagesType request = {&by, &every, &of};
  struct ns1__DescribeImagesResponseType answer;
  ask(DescribeImages, &request, &answer);
  printf("\"images\": [");
  for (int n = 0; n < answer.imagesSet->__sizeitem; n++) {
    char *identifier = answer.imagesSet->item[n].imageId;
    printf(n ? ", " : "");
    say_text(identifier, strlen(identifier));
  }
  printf("], ");
}

/* An image is launched, and its instance ended. */
static void run(char *image) {
  struct ns1__GroupSetType groups = {0};
  struct ns1__RunInstancesType launch = {
      .imageId = image,
      .minCount = 1,
      .maxCount = 1,
      .groupSet = &groups,
      .instanceType = "m1.small",
  };
  struct ns1__ReservationInfoType launched;
  ask(RunInstances, &launch, &launched);
  char *instance = launched.instancesSet->item->instanceId;
  say("reservation", launched.reservationId);
  say("instance", instance);
  wait_for(instance, "running");
  struct ns1__TerminateInstancesItemType item = {instance};
  struct ns1__TerminateInstancesInfoType set = {1, &item};
  struct ns1__TerminateInstancesType end = {&set};
  struct ns1__TerminateInstancesResponseType ended;
  ask(TerminateInstances, &end, &ended);
  wait_for(instance, "terminated");
  printf("\"states\": [\"running\", \"terminated\"], ");
}

static void say_refusal(void) {
  struct ns1__DeregisterImageType request = {"emi-00000000"};
  struct ns1__DeregisterImageResponseType answer;
  sign();
  int status = soap_call___ns1__DeregisterImage(ec2, service, "", &request, &answer);
  printf("\"refused\": {\"status\": %d, ", ec2->status);
  if (status == SOAP_OK)
    exit(1);
  say("code", *soap_faultcode(ec2));
  printf("\"message\": ");
  say_text(*soap_faultstring(ec2), strlen(*soap_faultstring(ec2)));
  printf("}, ");
}

int main(int count, char **given) {
  if (count != 3)
    return 2;
  algorithm = strcmp(given[1], "sha1") ? SOAP_SMD_SIGN_RSA_SHA256
                                       : SOAP_SMD_SIGN_RSA_SHA1;
  sent = open_memstream(&sent_text, &sent_size);
  ec2 = soap_new1(SOAP_XML_STRICT | SOAP_XML_CANONICAL);
  soap_register_plugin(ec2, soap_wsse);
  soap_register_plugin(ec2, logging);
  soap_set_logging_outbound(ec2, sent);
  read_credentials();

  printf("{");
  say_zones();
  struct ns1__RegisterImageType registration = {given[2]};
  struct ns1__RegisterImageResponseType registered;
  ask(RegisterImage, &registration, &registered);
  say("image", registered.imageId);
  say_images();
  run(registered.imageId);
  struct ns1__DeregisterImageType removal = {registered.imageId};
  struct ns1__DeregisterImageResponseType removed;
  ask(DeregisterImage, &removal, &removed);
  say_refusal();
  fflush(sent);
  char *message = strstr(sent_text + last, "\r\n\r\n") + 4;
  printf("\"sent\": ");
  say_text(message, strlen(message));
  printf("}\n");
  return 0;
}
