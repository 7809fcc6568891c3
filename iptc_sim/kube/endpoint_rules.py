"""The rules about endpoints, which all releases share: picking one in a Service's chain, and translating in its own.

They are nine of ten rules of a cluster. That is why they, and those for a destination in ``TableText.add_for``, are
written in both spellings; all others are written as kube-proxy does and respelled, see :mod:`iptc_sim.kube.respell`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from iptc_sim.kube.node_view import NodeView
from iptc_sim.kube.releases import EndpointComment
from iptc_sim.kube.respell import OWN_MASK, saved_comment, saved_endpoint, saved_range
from iptc_sim.kube.select import Backend, Portal
from iptc_sim.kube.text import Spelling, TableText

#: Longer names of service ports are left to the slow way: iptables cuts comments of more than 255 characters.
_LONG_NAME: Final = 180
#: To ask the class for a member each time takes ten times as long (Python 3.11).
_SAVE: Final = Spelling.SAVE
_NO_COMMENT: Final = EndpointComment.NONE
_BOTH: Final = EndpointComment.SERVICE_TO_ENDPOINT


class EndpointRules:
    """Writes the endpoint rules of one service port.

    Args:
        portal: the service port.
        view: the node and the release.
        table: nat.
    """

    __slots__ = ("_is_respelled", "_is_saved", "_kind", "_own_comment", "_portal", "_table", "_view")

    def __init__(self, portal: Portal, view: NodeView, table: TableText) -> None:
        self._portal, self._view, self._table = portal, view, table
        name = portal.name
        saved = table.spelling is _SAVE
        self._is_saved, self._is_respelled = saved and len(name) <= _LONG_NAME, saved and len(name) > _LONG_NAME
        self._kind = view.release.endpoint_comment if view.endpoint_comments else _NO_COMMENT
        shown = saved_comment(name) if self._is_saved else name
        self._own_comment = "" if self._kind is _NO_COMMENT else f" -m comment --comment {shown}"

    def comments(self, backends: Sequence[Backend]) -> list[str]:
        """Return the comments of the rules that pick one of the endpoints, as words with a blank in front."""
        if self._kind is not _BOTH:
            return [self._own_comment] * len(backends)
        name = self._portal.name
        return [f' -m comment --comment "{name} -> {backend.text}"' for backend in backends]

    def write_affinity(self, chain: str, backends: Sequence[Backend], comments: Sequence[str]) -> None:
        """Write the rules that send a client to the endpoint that it had; none without session affinity."""
        seconds = self._portal.affinity_seconds
        if seconds:
            for backend, comment in zip(backends, comments, strict=True):
                target = backend.chain
                words = f"{comment} -m recent --name {target} --rcheck --seconds {seconds} --reap -j {target}"
                self._table.add(chain, words[1:])

    def write_choice(self, chain: str, backend: Backend, comment: str, left: int) -> None:
        """Write the rule that picks an endpoint, one of ``left`` that have the same chance."""
        self._table.add(chain, f"{comment}{self._view.chance(left)} -j {backend.chain}"[1:])

    def write_balancing(self, chain: str, backends: Sequence[Backend], comments: Sequence[str]) -> None:
        """Write these rules for a list of endpoints."""
        count = len(backends)
        if self._is_respelled:
            for index, backend in enumerate(backends):
                self.write_choice(chain, backend, comments[index], count - index)
            return
        chances = self._view.saved_chances(count) if self._is_saved else self._view.chances(count)
        triples = zip(comments, chances, backends, strict=True)
        lines = [f"-A {chain}{comment}{chance} -j {backend.chain}" for comment, chance, backend in triples]
        self._table.take(chain, lines)

    def declare(self, backends: Sequence[Backend]) -> None:
        """Write the lines of the endpoints' chains."""
        self._table.declare(*[backend.chain for backend in backends])

    def write_endpoints(self, backends: Sequence[Backend]) -> None:
        """Write the endpoints' chains: masquerading for the pod that reaches itself, then the translation."""
        if self._is_saved:
            self._write_saved(backends)
            return
        portal, comment = self._portal, self._own_comment
        self.declare(backends)
        masks = self._view.release.host_masks
        translate = f" -m {portal.protocol} -p {portal.protocol} -j DNAT --to-destination "
        remember = ""
        lines: list[str] = []
        for text, chain, endpoint, _ in backends:
            if portal.affinity_seconds:
                remember = f" -m recent --name {chain} --set"
            host = self._view.host(endpoint.address) if masks else endpoint.address
            # A pod that reaches itself has to see another source address, or it would answer itself directly.
            lines.append(f"-A {chain}{comment} -s {host} -j KUBE-MARK-MASQ")
            lines.append(f"-A {chain}{comment}{remember}{translate}{text}")
        if not self._is_respelled:
            self._table.lines += lines
            return
        for line in lines:
            _, chain, words = line.split(" ", 2)
            self._table.add(chain, words)

    def _write_saved(self, backends: Sequence[Backend]) -> None:
        portal, comment, chains = self._portal, self._own_comment, self._table.chains
        remember = ""
        translate = f" -m {portal.protocol} -j DNAT --to-destination "
        front = f" -p {portal.protocol}{comment}"
        back = f"{comment} -j KUBE-MARK-MASQ"
        for text, chain, endpoint, _ in backends:
            address = endpoint.address
            if portal.affinity_seconds:
                remember = f" -m recent --set --name {chain} --mask {OWN_MASK[self._table.family]} --rsource"
            if ":" in address:
                host, to = saved_range(address), saved_endpoint(text)
            else:
                host, to = f"{address}/32", text
            lines = [f"-A {chain} -s {host}{back}", f"-A {chain}{front}{remember}{translate}{to}"]
            # The same endpoint twice, in an Endpoints object, is written twice.
            chains[chain] = chains[chain] + lines if chain in chains else lines
