import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.components.crypto.Merlin;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/**
 * A user's round by WSS4J.
 *
 * <pre>java SoapRound DATE sha1|sha256 TOKEN IMAGE_LOCATION</pre>
 *
 * TOKEN is how the certificate is told: direct, issuer-serial, certificate, ski
 * or thumbprint. Credentials are those of eucarc. Tells what was answered, as
 * JSON. Envelopes are built here, by DOM; signing them is WSS4J's.
 */
public final class SoapRound {
    private static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    private static final String ALIAS = "user";
    private static final String PASSWORD = "of a keystore in memory";
    private static final String NAMED_SINCE = "2009-10-31";
    private static final int PAUSE_MS = 50;
    private static final int PATIENCE = 600;

    private static final Map<String, String[]> FORMS = Map.of(
            "sha1", new String[] {WSConstants.RSA_SHA1, WSConstants.SHA1},
            "sha256", new String[] {
                "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", WSConstants.SHA256});

    private static final Map<String, Integer> TOKENS = Map.of(
            "direct", WSConstants.BST_DIRECT_REFERENCE,
            "issuer-serial", WSConstants.ISSUER_SERIAL,
            "certificate", WSConstants.X509_KEY_IDENTIFIER,
            "ski", WSConstants.SKI_KEY_IDENTIFIER,
            "thumbprint", WSConstants.THUMBPRINT_IDENTIFIER);

    /** What was answered that is a fault. */
    private static final class Fault extends Exception {
        private static final long serialVersionUID = 1;
        final int status;
        final String code;

        Fault(int status, String code, String message) {
            super(message);
            this.status = status;
            this.code = code;
        }
    }

    private final String namespace;
    private final boolean isNamed;
    private final String[] form;
    private final int token;
    private final Merlin keys;
    private String sent;

    private SoapRound(String date, String form, String token) throws Exception {
        this.namespace = "http://ec2.amazonaws.com/doc/" + date + "/";
        this.isNamed = date.compareTo(NAMED_SINCE) >= 0;
        this.form = FORMS.get(form);
        this.token = TOKENS.get(token);
        this.keys = new Merlin();
        this.keys.setKeyStore(credentials());
    }

    private static KeyStore credentials() throws Exception {
        byte[] pem = Files.readAllBytes(Path.of(System.getenv("EC2_CERT")));
        Certificate certificate = CertificateFactory.getInstance("X.509")
                .generateCertificate(new ByteArrayInputStream(pem));
        String key = Files.readString(Path.of(System.getenv("EC2_PRIVATE_KEY")))
                .replaceAll("-----[A-Z ]+-----", "");
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry(
                ALIAS,
                KeyFactory.getInstance("RSA").generatePrivate(
                        new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(key))),
                PASSWORD.toCharArray(),
                new Certificate[] {certificate});
        return store;
    }

    private static DocumentBuilderFactory parsers() {
        DocumentBuilderFactory parsers = DocumentBuilderFactory.newInstance();
        parsers.setNamespaceAware(true);
        return parsers;
    }

    /** An element below another, in the API's namespace; its text may be empty. */
    private Element add(Element parent, String name, String text) {
        Element made = parent.getOwnerDocument().createElementNS(namespace, name);
        made.setTextContent(text);
        parent.appendChild(made);
        return made;
    }

    /** An envelope with the request as the Body's only child. */
    private Element request(String operation) throws Exception {
        Document made = parsers().newDocumentBuilder().newDocument();
        Element envelope = made.createElementNS(SOAP, "soapenv:Envelope");
        made.appendChild(envelope);
        envelope.appendChild(made.createElementNS(SOAP, "soapenv:Header"));
        Element body = made.createElementNS(SOAP, "soapenv:Body");
        envelope.appendChild(body);
        return add(body, operation, "");
    }

    private void sign(Document message) throws Exception {
        WSSecHeader security = new WSSecHeader();
        security.insertSecurityHeader(message);
        WSSecTimestamp timestamp = new WSSecTimestamp();
        timestamp.setTimeToLive(300);
        timestamp.build(message, security);
        WSSecSignature signature = new WSSecSignature();
        signature.setUserInfo(ALIAS, PASSWORD);
        signature.setKeyIdentifierType(token);
        signature.setSignatureAlgorithm(form[0]);
        signature.setDigestAlgo(form[1]);
        signature.setParts(List.of(
                new WSEncryptionPart("Body", SOAP, "Content"),
                new WSEncryptionPart("Timestamp", WSConstants.WSU_NS, "")));
        signature.build(message, keys, security);
    }

    private static String text(Document message) throws Exception {
        StringWriter text = new StringWriter();
        TransformerFactory.newInstance().newTransformer()
                .transform(new DOMSource(message), new StreamResult(text));
        return text.toString();
    }

    private Document ask(Element request) throws Exception {
        // Read again, so that namespaces are attributes, which are what is signed.
        Document message = parsers().newDocumentBuilder()
                .parse(new InputSource(new StringReader(text(request.getOwnerDocument()))));
        sign(message);
        sent = text(message);
        HttpURLConnection call =
                (HttpURLConnection) new URL(System.getenv("EC2_URL")).openConnection();
        call.setDoOutput(true);
        call.setRequestProperty("Content-Type", "text/xml; charset=UTF-8");
        call.setRequestProperty("SOAPAction", "\"" + request.getLocalName() + "\"");
        call.getOutputStream().write(sent.getBytes(StandardCharsets.UTF_8));
        int status = call.getResponseCode();
        try (InputStream answer =
                status < 400 ? call.getInputStream() : call.getErrorStream()) {
            Document told = parsers().newDocumentBuilder().parse(answer);
            if (status != 200) {
                throw new Fault(status, only(told, "faultcode"), only(told, "faultstring"));
            }
            return told;
        }
    }

    /** Texts of all elements of a name, in the API's namespace or in none. */
    private List<String> all(Document told, String name) {
        List<String> texts = new ArrayList<>();
        for (String each : new String[] {namespace, null}) {
            NodeList found = told.getElementsByTagNameNS(each, name);
            for (int n = 0; n < found.getLength(); n++) {
                texts.add(found.item(n).getTextContent());
            }
        }
        return texts;
    }

    private String only(Document told, String name) throws IOException {
        List<String> found = all(told, name);
        if (found.size() != 1) {
            throw new IOException(found.size() + " of " + name);
        }
        return found.get(0);
    }

    private Element ofInstance(String operation, String instance) throws Exception {
        Element request = request(operation);
        Element set = add(request, "instancesSet", "");
        add(add(set, "item", ""), "instanceId", instance);
        return request;
    }

    /** The state that was waited for. */
    private String until(String wanted, String instance) throws Exception {
        for (int n = 0; n < PATIENCE; n++) {
            Document told = ask(ofInstance("DescribeInstances", instance));
            NodeList states = told.getElementsByTagNameNS(namespace, "instanceState");
            Element state = (Element) states.item(0);
            if (state.getElementsByTagNameNS(namespace, "name").item(0)
                    .getTextContent().equals(wanted)) {
                return wanted;
            }
            Thread.sleep(PAUSE_MS);
        }
        throw new IOException(instance + " is not " + wanted);
    }

    private Element deregister(String image) throws Exception {
        Element request = request("DeregisterImage");
        add(request, "imageId", image);
        return request;
    }

    private String round(String location) throws Exception {
        Element describe = request("DescribeAvailabilityZones");
        add(describe, "availabilityZoneSet", "");
        List<String> zones = all(ask(describe), "zoneName");

        Element register = request("RegisterImage");
        add(register, "imageLocation", location);
        if (isNamed) {
            add(register, "name", "WSS4J");
        }
        String image = only(ask(register), "imageId");
        Element everyone = request("DescribeImages");
        for (String set : new String[] {"executableBySet", "imagesSet", "ownersSet"}) {
            add(everyone, set, "");
        }
        List<String> images = all(ask(everyone), "imageId");

        Element run = request("RunInstances");
        add(run, "imageId", image);
        add(run, "minCount", "1");
        add(run, "maxCount", "1");
        add(run, "groupSet", "");
        add(run, "instanceType", "m1.small");
        Document launched = ask(run);
        String instance = only(launched, "instanceId");
        List<String> states = new ArrayList<>();
        states.add(until("running", instance));
        ask(ofInstance("TerminateInstances", instance));
        states.add(until("terminated", instance));
        ask(deregister(image));
        return "{\"zones\": " + json(zones)
                + ", \"image\": " + json(image)
                + ", \"images\": " + json(images)
                + ", \"reservation\": " + json(only(launched, "reservationId"))
                + ", \"instance\": " + json(instance)
                + ", \"states\": " + json(states)
                + ", \"refused\": " + refusal(deregister("emi-00000000"))
                + ", \"sent\": " + json(sent) + "}";
    }

    private String refusal(Element request) throws Exception {
        try {
            ask(request);
        } catch (Fault fault) {
            return "{\"status\": " + fault.status
                    + ", \"code\": " + json(fault.code)
                    + ", \"message\": " + json(fault.getMessage()) + "}";
        }
        return "null";
    }

    private static String json(List<String> texts) {
        return texts.stream().map(SoapRound::json)
                .collect(Collectors.joining(", ", "[", "]"));
    }

    private static String json(String text) {
        StringBuilder made = new StringBuilder("\"");
        for (char each : text.toCharArray()) {
            if (each < ' ' || each == '"' || each == '\\') {
                made.append(String.format("\\u%04x", (int) each));
            } else {
                made.append(each);
            }
        }
        return made.append('"').toString();
    }

    public static void main(String[] given) throws Exception {
        try {
            System.out.println(new SoapRound(given[0], given[1], given[2]).round(given[3]));
        } catch (Fault fault) {
            System.err.println(fault.status + " " + fault.code + ": " + fault.getMessage());
            System.exit(1);
        }
    }
}
