extension AllReduceMachine {
    /// When `tick` is to be called next, if nothing comes before.
    public var deadline: Duration? {
        guard let round, !round.isComplete, worldSize > 1 else { return nil }
        return round.lastArrival + AllReduceMachine.requestInterval
    }

    /// Asks for what is missing when nothing has come for a while.
    public mutating func tick(at now: Duration) -> [Action] {
        guard let deadline, now >= deadline, let current = round else { return [] }
        round?.lastArrival = now
        var actions: [Action] = []
        for peer in 0..<worldSize where peer != rank {
            let wanted = missing(of: current, from: peer)
            if wanted.isEmpty { continue }
            counters.requests += 1
            actions.append(.send(to: peer, halfStep: current.halfStep, .request(wanted)))
        }
        return actions
    }

    private func missing(of round: Round, from peer: Int) -> [WantedItem] {
        var wanted: [WantedItem] = []
        if round.losses[peer] == nil { wanted.append(.losses) }
        for chunk in round.placed.indices where !round.placed[chunk] && wanted.count < WireLimits.wanted {
            let owner = owner(of: chunk)
            if owner == peer {
                wanted.append(.chunk(index: chunk, subtree: whole))
            } else if owner == rank, !round.reducing.contains(chunk) {
                let have = round.parts[chunk] ?? [:]
                for subtree in subtrees[peer] where have[subtree.lowerBound] == nil {
                    wanted.append(.chunk(index: chunk, subtree: subtree))
                }
            }
        }
        return Array(wanted.prefix(WireLimits.wanted))
    }
}
