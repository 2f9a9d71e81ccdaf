import Foundation
import Logging
import Protocol
import Search
import Transport

/// A worker's I/O thread: it owns all sockets and drives the state machines, between the compute thread, the coordinator
/// and the other workers.
final class WorkerLoop {
    private static let noticeableSilence = Duration.seconds(5)

    private let options: WorkerOptions
    private var hasWarned = false
    let logger = Logger(label: "ostr.worker")
    /// Drawn anew whenever this worker joins anew.
    var key = UInt64.random(in: 1 ... .max)
    let events: Mailbox<ComputeEvent>
    let compute: ComputeThread
    let control: MessagingSocket
    private let handshakes: SocketMonitor
    /// Why the coordinator could not be spoken to, when that was tried last.
    private var handshakeFailure: HandshakeFailure?
    let mesh: Mesh
    var machine: WorkerMachine
    /// What ended the computation here, with its kind.
    var failure: WorkerError?
    var buffer = GradientBuffer(capacity: 0)
    var largestGradient = 0
    var end: WorkerMachine.End?

    init(options: WorkerOptions, loadDataset: @escaping WorkerProcess.DatasetLoader) throws(WorkerError) {
        self.options = options
        do throws(TransportError) {
            let endpoint = try Endpoint(options.coordinator)
            try endpoint.require(keys: options.keys != nil, insecure: options.insecure)
            let context = try MessagingContext()
            events = try Mailbox()
            compute = ComputeThread(
                events: events, loadDataset: loadDataset, standIn: options.standIn, sabotage: options.sabotage)
            mesh = Mesh(
                door: try MeshDoor(
                    context, at: try WorkerLoop.meshAddress(options, coordinator: endpoint, key: key),
                    keys: options.keys, logger: logger))
            var configuration = SocketConfiguration(.dealer)
            configuration.onlyConnected = true
            if let keys = options.keys { configuration.security = .client(keys.own, server: keys.coordinator) }
            control = try MessagingSocket(context, configuration)
            handshakes = try SocketMonitor(context, of: control)
            try control.connect(endpoint)
        } catch {
            throw .transport(error.description)
        }
        let process = ProcessInfo.processInfo
        let host = process.hostName
        let hello = Hello(
            build: Build.version, name: options.name ?? "\(host)-\(process.processIdentifier)", host: host,
            pid: Int(process.processIdentifier), numericDigest: NumericDigest.compute(),
            meshEndpoint: options.announcedMesh ?? mesh.door.endpoint.description)
        machine = WorkerMachine(
            hello: hello,
            timeouts: .init(connect: options.connectTimeout, silence: options.silenceTimeout),
            at: MonotonicClock.now)
    }

    /// Beside the coordinator's socket file, or on the address that leads to it.
    private static func meshAddress(
        _ options: WorkerOptions, coordinator: Endpoint, key: UInt64
    ) throws(TransportError) -> Endpoint {
        if let endpoint = options.meshEndpoint {
            let endpoint = try Endpoint(endpoint)
            try endpoint.require(keys: options.keys != nil, insecure: options.insecure)
            return endpoint
        }
        switch coordinator.kind {
        case .ipc(let path):
            let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
            return try Endpoint("ipc://\(folder)m\(String(key, radix: 36))")
        case .tcp(let host, let port):
            guard let address = Endpoint.localAddress(toward: host, port: port) else {
                throw .cannotResolve(coordinator.description)
            }
            return try Endpoint("tcp://\(address):*")
        }
    }

    func run() throws(WorkerError) {
        do throws(TransportError) {
            compute.start()
            defer { compute.post(.stop) }
            try loop()
        } catch {
            throw .transport(error.description)
        }
        switch end {
        case .finished, nil: break
        case .runEnded(let reason): throw failure ?? .runEnded(reason)
        case .refused(let reason): throw .refused(reason)
        case .noCoordinator:
            if let handshakeFailure { throw .noHandshake(endpoint: options.coordinator, handshakeFailure) }
            throw .noCoordinator(
                endpoint: options.coordinator, seconds: (options.connectTimeout ?? .zero).inSeconds)
        case .coordinatorGone:
            throw .coordinatorGone(
                endpoint: options.coordinator, seconds: (options.silenceTimeout ?? .zero).inSeconds)
        case .failed(let reason): throw failure ?? .computation(reason)
        }
        if let failure { throw failure }
    }

    private func loop() throws(TransportError) {
        let signals = options.handlesSignals ? try StopSignals() : nil
        var poller = Poller()
        let atControl = poller.add(control)
        let atHandshakes = poller.add(handshakes.socket)
        mesh.door.add(to: &poller)
        let atEvents = poller.add(descriptor: events.descriptor)
        let atSignals = signals.map { poller.add(descriptor: $0.descriptor) }
        let atInput = options.endsWithStandardInput ? poller.add(descriptor: 0) : nil
        let atMesh = poller.add(mesh.door.socket)
        while end == nil {
            var deadline = machine.deadline
            if let other = mesh.deadline { deadline = min(deadline, other) }
            try poller.wait(max(deadline - MonotonicClock.now, .zero))
            let now = MonotonicClock.now
            if poller.isReady(atEvents) {
                for event in events.drain() { try take(event, at: now) }
            }
            // What the coordinator says comes first: a generation is joined before its messages are looked at.
            if poller.isReady(atControl) { try receiveControl(at: now) }
            if poller.isReady(atHandshakes), let error = try handshakeError() { return stop(error) }
            if poller.isReady(atMesh) {
                for outcome in try mesh.receive(run: machine.run, at: now) { try take(outcome, at: now) }
            }
            try mesh.door.afterWait(poller)
            if let atInput, poller.isReady(atInput), StandardInput.isClosed() { return stop(.launcherGone) }
            if let atSignals, poller.isReady(atSignals), let signal = signals?.received {
                try perform([.send(.leave(reason: "it was interrupted by signal \(signal)"))])
                return stop(.interrupted(signal: signal))
            }
            if let other = mesh.deadline, now >= other { try mesh.tick(run: machine.run, at: now) }
            machine.activity = currentActivity()
            try perform(machine.tick(at: now))
            warnOfSilence(at: now)
        }
    }

    /// What ends the tries to reach the coordinator, if it has happened: the messaging library makes no more then.
    private func handshakeError() throws(TransportError) -> WorkerError? {
        while let event = try handshakes.receive() {
            switch event {
            case .succeeded: handshakeFailure = nil
            case .failed(let failure): handshakeFailure = failure
            case .accepted, .disconnected: break
            }
        }
        guard let handshakeFailure else { return nil }
        switch handshakeFailure {
        case .refused:
            return .keyRefused(
                endpoint: options.coordinator, key: options.keys.map { "\($0.own.publicKey)" } ?? "none")
        case .otherSecurity: return .noHandshake(endpoint: options.coordinator, handshakeFailure)
        case .wrongKey, .malformed, .brokenOff: return nil
        }
    }

    /// One line when nothing comes from the coordinator, and one when something does again.
    private func warnOfSilence(at now: Duration) {
        let isSilent = now - (machine.lastHeard ?? machine.started) >= WorkerLoop.noticeableSilence
        if isSilent, !hasWarned {
            let why = handshakeFailure.map {
                " (\(WorkerError.noHandshake(endpoint: options.coordinator, $0)))"
            }
            logger.warning(
                "nothing comes from \(options.coordinator)\(why ?? ""); this worker keeps trying to reach it")
        } else if !isSilent, hasWarned {
            logger.warning("\(options.coordinator) is heard again")
        }
        hasWarned = isSilent
    }

    private func stop(_ error: WorkerError) {
        failure = error
        end = .runEnded(reason: "")
    }

    private func receiveControl(at now: Duration) throws(TransportError) {
        while let message = try control.receive() {
            let decoded: Result<ControlEnvelope, ProtocolError>
            do throws(ProtocolError) {
                if let excess = message.excess { throw excess }
                decoded = .success(try ControlCodec.decode(message.frames))
            } catch {
                decoded = .failure(error)
            }
            switch decoded {
            case .success(let envelope):
                if envelope.worker == key { try perform(machine.receive(envelope, at: now)) }
            case .failure(let error):
                logger.warning("a message from the coordinator was refused: \(error)")
                try perform(machine.receiveInvalid(error))
            }
        }
    }
}
