import Testing

@testable import Protocol

/// A run that follows another one with the same workers.
struct FollowingRunTests {
    private static func plan(run: UInt64) -> CoordinatorMachine.Plan {
        var plan = CoordinatorMachine.Plan(
            run: run, configuration: [UInt8(run)], datasetDigest: "d", shards: 4, halfSteps: 10, expectedWorkers: 2,
            base: .init(appliedHalfSteps: 0, digest: 1), runs: { workers in workers == 1 ? [0..<4] : [0..<2, 2..<4] },
            describe: { _ in nil }, joinTimeout: .seconds(60), progressTimeout: .seconds(600))
        plan.workerTimeout = .seconds(30)
        return plan
    }

    private static func hello(_ name: String, digest: UInt64 = 7) -> ControlMessage {
        .hello(
            Hello(
                build: Build.version, name: name, host: "h", pid: 1, numericDigest: digest,
                meshEndpoint: "ipc:///\(name)"))
    }

    private static let ready = ControlMessage.ready(Ready(datasetDigest: "d", imageCount: 1))

    /// A worker with a key joins.
    private static func join(
        _ key: UInt64, to machine: inout CoordinatorMachine, run: UInt64, at now: Duration
    ) -> [CoordinatorMachine.Action] {
        machine.receive(.init(run: 0, worker: key, message: hello("w\(key % 10)")), at: now)
            + machine.receive(.init(run: run, worker: key, message: ready), at: now)
    }

    /// One with two workers, under the keys 1 and 2.
    private static func former() -> CoordinatorMachine {
        var machine = CoordinatorMachine(plan: plan(run: 1), at: .zero)
        for key in [1, 2] as [UInt64] { _ = join(key, to: &machine, run: 1, at: .zero) }
        return machine
    }

    private static func begins(_ actions: [CoordinatorMachine.Action]) -> Int? {
        for case .trainingStarted(let workers, _) in actions { return workers }
        return nil
    }

    @Test("its workers are told to join anew, also those that did not hear it, and it begins when all are back")
    func allBack() {
        let former = Self.former()
        #expect(former.hasStarted)
        #expect(
            former.handOver(reason: "next") == [
                .send(to: 1, .dismissal(reason: "next", resetState: false)),
                .send(to: 2, .dismissal(reason: "next", resetState: false)),
            ])
        var machine = CoordinatorMachine(plan: Self.plan(run: 2), following: former, at: .seconds(100))
        #expect(machine.hasStarted, "an interrupt saves what the run before has reached")
        let status = ControlMessage.status(WorkerStatus(phase: .ready, generation: 1, appliedHalfSteps: 10, tasks: []))
        let answer = machine.receive(.init(run: 1, worker: 2, message: status), at: .seconds(100))
        guard case .send(to: 2, .dismissal(_, resetState: false)) = answer.first, answer.count == 1 else {
            Issue.record("\(answer)")
            return
        }
        #expect(Self.begins(Self.join(11, to: &machine, run: 2, at: .seconds(101))) == nil)
        #expect(Self.begins(machine.tick(at: .seconds(102))) == nil)
        #expect(Self.begins(Self.join(12, to: &machine, run: 2, at: .seconds(103))) == 2)
    }

    @Test("it begins without those that were lost meanwhile, and ends when nobody comes")
    func someBack() {
        var machine = CoordinatorMachine(plan: Self.plan(run: 2), following: Self.former(), at: .seconds(100))
        _ = Self.join(11, to: &machine, run: 2, at: .seconds(104))
        #expect(Self.begins(machine.tick(at: .seconds(104.9))) == nil)
        #expect(Self.begins(machine.tick(at: .seconds(105.2))) == 1)

        machine = CoordinatorMachine(plan: Self.plan(run: 2), following: Self.former(), at: .seconds(100))
        #expect(!machine.tick(at: .seconds(129)).contains { if case .fail = $0 { true } else { false } })
        let end = machine.tick(at: .seconds(130))
        guard case .fail(.abandoned(waited: .seconds(30), let last)) = end.first else {
            Issue.record("\(end)")
            return
        }
        #expect(last.hasPrefix("w2 on h"))
    }

    @Test("one that was back and is lost before the beginning is waited for as long as any")
    func lostAgain() {
        var machine = CoordinatorMachine(plan: Self.plan(run: 2), following: Self.former(), at: .seconds(100))
        _ = Self.join(11, to: &machine, run: 2, at: .seconds(101))
        let lost = machine.lost(11, reason: "its process ended", at: .seconds(102))
        #expect(lost.contains(.abandoned(wait: .seconds(30))))
        #expect(machine.tick(at: .seconds(131)).isEmpty)
        let end = machine.tick(at: .seconds(132))
        #expect(end == [.fail(.abandoned(waited: .seconds(30), last: "w1 on h: its process ended"))])
    }

    @Test("what the run before knew of workers is known: their numbers, and who was ejected too often")
    func memory() {
        var former = Self.former()
        for key in [1, 21, 31] as [UInt64] {
            if key != 1 { _ = Self.join(key, to: &former, run: 1, at: .zero) }
            _ = former.eject(key, reason: "wrong", at: .zero)
        }
        var machine = CoordinatorMachine(plan: Self.plan(run: 2), following: former, at: .seconds(100))
        func isRefused(_ message: ControlMessage, key: UInt64) -> Bool {
            machine.receive(.init(run: 0, worker: key, message: message), at: .seconds(100)).contains {
                if case .refused = $0 { true } else { false }
            }
        }
        #expect(isRefused(Self.hello("w1"), key: 41), "ejected three times")
        #expect(isRefused(Self.hello("new", digest: 8), key: 42), "other numbers")
        #expect(!isRefused(Self.hello("new"), key: 43))
    }
}
