"""What a release of kube-proxy is, as answers to the questions that the writers ask; ``changes`` has the answers."""

from __future__ import annotations

from enum import Enum

from iptc_sim.records import dataclass


class Era(Enum):
    """How a Service's chains are laid out."""

    XLB = "KUBE-XLB chains for the Local policy"
    EXT = "KUBE-EXT chains for external traffic, KUBE-SVL for the Local policy"


class Source(Enum):
    """Which objects endpoints come from."""

    ENDPOINTS = "Endpoints objects"
    SLICES = "EndpointSlices"


class Postrouting(Enum):
    """How KUBE-POSTROUTING and KUBE-MARK-MASQ are written."""

    ONE_RULE = "one rule that tests the mark"
    UNMARKING = "three rules that also take the mark off"


class InvalidDrop(Enum):
    """When KUBE-FORWARD drops what conntrack takes for INVALID."""

    NEVER = "never"
    ALWAYS = "always"
    UNLESS_LIBERAL = "unless the sysctl nf_conntrack_tcp_be_liberal is set"
    COUNTED = "likewise, and with an nfacct object that counts"


class ForwardEstablished(Enum):
    """Which packets of known connections KUBE-FORWARD accepts."""

    OF_CLUSTER_CIDR = "two rules, those from and to the cluster CIDR"
    TWICE = "two rules that fit all packets"
    ANY = "one rule"


class RangeText(Enum):
    """How source ranges are written."""

    VERBATIM = "as the object has them"
    TRIMMED = "without blanks around them"
    NORMALISED = "as Go prints them, without bits right of the length; so are addresses"


class EndpointComment(Enum):
    """The comment of the rules in KUBE-SVC and KUBE-SEP chains."""

    SERVICE = "the service port's name"
    NONE = "none: it was lost by mistake"
    SERVICE_TO_ENDPOINT = "the name, and in KUBE-SVC the endpoint as well"


class ExternalIp(Enum):
    """How packets to an external IP are dispatched."""

    BY_SOURCE = "one rule for packets from outside, one for an address of the node itself"
    PLAIN = "one rule"


class Order(Enum):
    """The order of a service port's chains in the text; chains' own contents are not touched by it."""

    INTERLEAVED = "each rule of KUBE-SVC before its endpoint's, KUBE-XLB last"
    ENDPOINTS_LAST = "KUBE-SVC, then the endpoints, then KUBE-XLB"
    ENDPOINTS_FIRST = "the endpoints, then the rest"
    EXTERNAL_FIRST = "KUBE-EXT, KUBE-FW, KUBE-SVC, KUBE-SVL, then the endpoints"


class Fence(Enum):
    """How packets from outside of loadBalancerSourceRanges are dropped."""

    MARK = "KUBE-FW ends in KUBE-MARK-DROP"
    FILTER = "KUBE-PROXY-FIREWALL drops what KUBE-FW lets pass untranslated"


class Unserved(Enum):
    """What is left out for a node port where no address of the node serves node ports."""

    NOTHING = "nothing"
    STEP = "the rules of the node port"
    REST = "these and all that would follow for the service port"


class InternalPolicy(Enum):
    """What internalTrafficPolicy Local does."""

    IGNORED = "nothing"
    FILTERS_ALL = "the service port has local endpoints only, for external traffic too"
    OWN_CHAIN = "traffic to the cluster IP goes to KUBE-SVL"


class Hints(Enum):
    """When topology hints narrow the endpoints."""

    IGNORED = "never"
    IF_AUTO = "if the annotation is Auto or auto"
    IF_ANNOTATED = "if the annotation is there and not disabled"
    ALWAYS = "always"
    NODE_FIRST = "always, and hints for the node before those for the zone"


class Kubelet(Enum):
    """Which chains and rules kubelet makes."""

    SET_XMARK = "KUBE-MARK-DROP, KUBE-FIREWALL for marked packets, and its own copy of the masquerading"
    OR_MARK = "the same in the newer spelling, and the localnet rule behind"
    LOCALNET_FIRST = "the same with the localnet rule in front, and KUBE-IPTABLES-HINT"
    HINT_AND_FIREWALL = "KUBE-IPTABLES-HINT, KUBE-FIREWALL with the localnet rule"


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump from a base chain that kube-proxy installs."""

    table: str
    base: str
    chain: str
    comment: str = ""
    only_new: bool = False

    @property
    def words(self) -> str:
        """The rule's words after ``-A CHAIN``."""
        new = "-m conntrack --ctstate NEW " if self.only_new else ""
        comment = f'-m comment --comment "{self.comment}" ' if self.comment else ""
        return f"{new}{comment}-j {self.chain}"


@dataclass(frozen=True, slots=True)
class Release:
    """One minor release of kube-proxy.

    Args:
        number: the minor number, 28 for 1.28.
        is_read: whether its source was compared; else it is like the last one before it that was.
        era: the layout of the Service chains.
        jumps: in the order of installation; each is put in front of those before it.
        filter_chains: chain lines at the top of the filter table, in order.
        source: which objects endpoints come from.
        always_colon: whether a service port name has its colon without a port name too.
        joins_by_protocol: whether a port finds its endpoints by name and protocol, or by name only.
        local_by_topology: whether an endpoint without nodeName is local by its topology label.
        keeps_unready: whether endpoints that are not ready are known at all.
        falls_back_to_terminating: whether endpoints that terminate serve where no other does.
        internal_policy: what internalTrafficPolicy Local does.
        hints: when topology hints count.
        hint_annotations: which annotations of a Service are asked, the first one that is there counts.
        cluster_ip_policy: whether externalTrafficPolicy counts for type ClusterIP with external IPs.
        honours_ip_mode: whether a load balancer's address of ipMode Proxy has no rules.
        ranges: how source ranges are written.
        postrouting: how masquerading is written.
        random_fully: whether ``--random-fully`` is used where iptables has it.
        invalid_drop: when KUBE-FORWARD starts with the INVALID drop.
        forward: which known connections KUBE-FORWARD accepts.
        localnet_firewall: whether kube-proxy writes KUBE-FIREWALL.
        local_modes: the values of --detect-local-mode that it knows.
        host_masks: whether single addresses are written with /32 or /128.
        probability_digits: decimals of ``--probability``.
        endpoint_comment: the comment of the rules in KUBE-SVC and KUBE-SEP.
        large_cluster: number of endpoints above which these comments are left out; 0 for never.
        balancing_number: whether KUBE-XLB's comments number the rules ("Balancing rule 0 for ...").
        bare_local_chain: whether large clusters leave out the comments of KUBE-XLB too.
        local_source_rules: whether KUBE-XLB has rules for the node's own packets.
        balancer_refusal: the filter chain that refuses load balancer addresses without endpoints; empty for none.
        external_ip_policy: whether external IPs follow externalTrafficPolicy.
        external_ip: how packets to external IPs are dispatched.
        masquerades_in_service: whether the rules that mark for masquerading stand in KUBE-SVC, or where packets
            are dispatched.
        health_check: whether the health check's node port is accepted by a rule.
        refuses_unlocal: whether destinations without local endpoints are dropped by filter rules.
        fence: how packets from outside of the source ranges are dropped.
        fence_remark: whether KUBE-FW ends in a rule that is a comment only.
        order: the order of chains in the text.
        makes_mark_drop: whether kube-proxy sees to it that KUBE-MARK-DROP exists.
        filters_node_ports: whether --nodeport-addresses is filtered by family first.
        node_port_words: the words that --nodeport-addresses takes besides ranges.
        unserved: what is left out where no address of the node serves node ports.
        localhost_flag: whether it has --iptables-localhost-nodeports, and leaves loopback out where it can't work.
        counts_localhost: whether node ports on loopback are counted by an nfacct object.
        stale_prefixes: the chains of nat that it takes for its own and deletes.
        keeps_counters: whether chain lines of existing chains carry their counters.
        cleans_late: whether stale chains of a large cluster stay until the last cleanup is old.
        canary: whether it makes KUBE-PROXY-CANARY.
        kubelet: what kubelet of the same release makes.
        kubelet_canary: whether that makes KUBE-KUBELET-CANARY.
        userspace: whether the userspace mode is there.
    """

    number: int
    is_read: bool
    era: Era
    jumps: tuple[Jump, ...]
    filter_chains: tuple[str, ...]
    source: Source
    always_colon: bool
    joins_by_protocol: bool
    local_by_topology: bool
    keeps_unready: bool
    falls_back_to_terminating: bool
    internal_policy: InternalPolicy
    hints: Hints
    hint_annotations: tuple[str, ...]
    cluster_ip_policy: bool
    honours_ip_mode: bool
    ranges: RangeText
    postrouting: Postrouting
    random_fully: bool
    invalid_drop: InvalidDrop
    forward: ForwardEstablished
    localnet_firewall: bool
    local_modes: tuple[str, ...]
    host_masks: bool
    probability_digits: int
    endpoint_comment: EndpointComment
    large_cluster: int
    balancing_number: bool
    bare_local_chain: bool
    local_source_rules: bool
    balancer_refusal: str
    external_ip_policy: bool
    external_ip: ExternalIp
    masquerades_in_service: bool
    health_check: bool
    refuses_unlocal: bool
    fence: Fence
    fence_remark: bool
    order: Order
    makes_mark_drop: bool
    filters_node_ports: bool
    node_port_words: tuple[str, ...]
    unserved: Unserved
    localhost_flag: bool
    counts_localhost: bool
    stale_prefixes: tuple[str, ...]
    keeps_counters: bool
    cleans_late: bool
    canary: bool
    kubelet: Kubelet
    kubelet_canary: bool
    userspace: bool

    @property
    def name(self) -> str:
        """The release as ``--release`` takes it."""
        return f"1.{self.number}"
