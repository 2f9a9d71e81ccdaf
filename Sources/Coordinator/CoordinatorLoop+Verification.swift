import Protocol
import Search
import Transport

extension CoordinatorLoop {
    /// Gives tasks that are to be answered again to workers that have not answered them.
    func dispatchVerifications(_ observe: (SearchEvent) -> Void) throws(CoordinatorError) {
        for place in verifications.indices where verifications[place].outstanding == nil {
            let verification = verifications[place]
            let excluded = verification.answerers
            let task = verification.task
            if verification.agreed != nil { return try settle(place, nil, observe) }
            if !machine.hasOther(than: excluded) {
                if verification.answers.count > 1 {
                    let names = verification.answers.map(\.name).joined(separator: " and ")
                    throw .disagreement(
                        "the workers \(names) found different losses for \(task); a third worker is needed to tell who is "
                            + "right: go on with --resume and more workers")
                }
                // Nobody is there who could verify it.
                verifications[place].outstanding = Verification.nobody
                continue
            }
            guard let id = try dispatch(task, excluding: excluded, observe) else { continue }
            verifications[place].outstanding = id
            counters.auditedTasks += 1
        }
        verifications.removeAll { $0.outstanding == Verification.nobody }
    }

    /// Two workers gave different losses for a task, or it is to be audited.
    func verify(_ task: StrengthTask, _ answer: Verification.Answer, against other: Verification.Answer?) {
        if let place = verifications.firstIndex(where: { $0.task == task }) {
            return verifications[place].add(answer)
        }
        var verification = Verification(task, other ?? answer)
        if other != nil { verification.add(answer) }
        verifications.append(verification)
    }

    /// Takes an answer that was asked for again. What two workers agree on counts; whoever said otherwise is ejected, and
    /// all that it answered is evaluated again.
    func settle(_ place: Int, _ answer: Verification.Answer?, _ observe: (SearchEvent) -> Void) throws(CoordinatorError)
    {
        if let answer { verifications[place].add(answer) }
        let verification = verifications[place]
        guard let agreed = verification.agreed else {
            if verification.answers.count >= Verification.mostAnswers {
                let names = verification.answers.map(\.name).joined(separator: ", ")
                throw .disagreement("the workers \(names) found three different losses for \(verification.task)")
            }
            return
        }
        verifications.remove(at: place)
        let wrong = verification.wrong(agreed)
        guard !wrong.isEmpty else { return }
        let names = Set(wrong.map(\.name))
        for culprit in wrong {
            try perform(
                machine.eject(
                    culprit.worker, reason: "two other workers found other losses of the same task",
                    at: MonotonicClock.now), observe)
        }
        evaluations.removeAll { givers[$0.task].map { names.contains($0.name) } ?? false }
        recorded = recorded.filter { !(givers[$0.key].map { names.contains($0.name) } ?? false) }
        verifications.removeAll { !$0.answerers.isDisjoint(with: names) }
        // What is still out was asked for decisions that may be made otherwise.
        dispatched = [:]
        try beginSelection(isRepeated: true, observe)
    }
}

extension Verification {
    /// No number of a task.
    static let nobody = -1
}
