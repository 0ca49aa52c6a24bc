"""A plain training loop that a running app follows: start ``gradscape serve``, then this file.

With ``--problems examples/own_problems.py`` on the server and ``--model`` here, the app knows the model (its problem
``sine``), too: surface and curvature are asked for at the end. Otherwise it shows the curves and the path.
"""

import argparse

import torch
from torch import nn

from gradscape import Client, Recorder


def main() -> None:
    """Fit a sine, and say where to look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8050", help="the app's address (default %(default)s)")
    parser.add_argument("--token", help="its token, where it asks for one")
    parser.add_argument("--steps", type=int, default=300, help="updates (default %(default)s)")
    parser.add_argument("--model", action="store_true", help="the app has examples/own_problems.py")
    asked = parser.parse_args()

    torch.manual_seed(0)
    x = torch.linspace(-3.0, 3.0, 120)[:, None]
    y = (2 * x).sin()
    model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    client = Client(asked.url, asked.token)
    record = Recorder(
        model,
        "a sine, recorded",
        problem="sine" if asked.model else None,  # declared by the file that the server was started with
        parameters={"width": 16, "noise": 0.0},
        steps=asked.steps,
        optimizer={"kind": "adam", "lr": 0.01},
        client=client,
    )
    with record:
        for _ in range(asked.steps):
            optimizer.zero_grad()
            loss = (model(x) - y).cosh().log().mean()
            loss.backward()
            optimizer.step()
            record.step(loss, lr=0.01)
    print(f"{asked.steps} steps recorded: {record.address}")
    if asked.model and record.run is not None:
        looks = [
            client.analyse(record.run, "surface", plane={"kind": "pca"}, resolution=17),
            client.analyse(record.run, "top_eigenvalues", k=2),
        ]
        for look in [client.wait(each["id"]) for each in looks]:
            print(f"{look['name']}: {look['status']}, {client.url}/?runs={look['id']}")


if __name__ == "__main__":
    main()
